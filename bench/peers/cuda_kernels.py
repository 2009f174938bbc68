"""The CUDA kernels on a machine with an NVIDIA GPU, without Node: built, held against the CPU's operators and torchvision, and timed.

    python3 bench/peers/cuda_kernels.py [--build DIR] [--check-only] [--json FILE]

Needs PyTorch with CUDA, CMake and an nvcc of PyTorch's CUDA version; torchvision where it is there. Builds libadsam_kernels in DIR
(build/cuda-check) for the GPU at hand, a minute or two on many cores. Every line is a check that can fail; the exit code is 1 if one did.
Times are medians of CUDA events, both sides in turn, after warm-up. For memory errors: compute-sanitizer python3 … --check-only
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

import torch

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DEVICE = "cuda"
failures = []
rows = []


def build(folder):
    """Configures and builds the kernels; returns the library's path."""
    torch_dir = os.path.join(os.path.dirname(torch.__file__), "share", "cmake", "Torch")
    capability = "".join(map(str, torch.cuda.get_device_capability()))
    configure = ["cmake", "-S", ROOT, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", f"-DTorch_DIR={torch_dir}",
                 f"-DCMAKE_CUDA_ARCHITECTURES={capability}"]
    make = ["cmake", "--build", folder, "--target", "adsam_kernels", "-j", str(os.cpu_count())]
    for words in (configure, make):
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)} failed:\n{done.stdout[-6000:]}")
    with open(os.path.join(folder, "cuda-kernels.json")) as file:
        built = json.load(file)
    if not built["built"]:
        sys.exit(f"the CUDA kernels were not built: {built['text']}")
    print(f"built: {built['text']}")
    return os.path.join(folder, "libadsam_kernels.so")


def check(name, found, expected, tolerance):
    """Greatest difference in units of max(1, the greatest expected value)."""
    if found is None or expected is None:
        apart = 0.0 if found is expected else float("inf")
    elif found.shape != expected.shape or found.dtype != expected.dtype:
        apart = float("inf")
    else:
        a, b = found.detach().cpu().double(), expected.detach().cpu().double()
        same = (a == b) | (a.isnan() & b.isnan())
        difference = (a - b).abs().masked_fill(same, 0)
        size = max(1.0, b[b.isfinite()].abs().max().item()) if b.isfinite().any() else 1.0
        apart = difference.max().item() / size if a.numel() else 0.0
    good = apart <= tolerance
    if not good:
        failures.append(name)
    print(f"{'ok  ' if good else 'FAIL'} {name}: {apart:.2e} apart, at most {tolerance:.0e}", flush=True)


def differentiated(run, inputs, cotangent):
    """Output and the gradients of all inputs."""
    leaves = [x.detach().clone(memory_format=torch.preserve_format).requires_grad_() for x in inputs]
    output = run(*leaves)
    return [output.detach(), *torch.autograd.grad(output, leaves, cotangent.to(output.device, output.dtype))]


def on(device, tensors):
    return [x.to(device) for x in tensors]


def compare(name, run, inputs, tolerance):
    """run on the GPU against run on the CPU, values and gradients."""
    with torch.no_grad():
        cotangent = torch.randn(run(*inputs).shape)
    expected = differentiated(run, inputs, cotangent)
    found = differentiated(run, on(DEVICE, inputs), cotangent.to(DEVICE))
    for i, (a, b) in enumerate(zip(found, expected)):
        check(f"{name}, {'output' if i == 0 else f'gradient {i}'}", a, b, tolerance)


def deform_inputs(batch, channels, height, width, out, groups=1, offset_groups=1, kernel=3, dtype=torch.float32):
    taps = offset_groups * kernel * kernel
    places = (batch, 2 * taps, height, width)
    return [torch.randn(batch, channels, height, width, dtype=dtype),
            torch.randn(out, channels // groups, kernel, kernel, dtype=dtype) / (channels * kernel * kernel) ** 0.5,
            torch.randn(places, dtype=torch.float64 if dtype == torch.float64 else torch.float32) * 2,
            torch.rand(batch, taps, height, width, dtype=torch.float64 if dtype == torch.float64 else torch.float32),
            torch.randn(out, dtype=dtype)]


def deform(groups=1, offset_groups=1):
    pad = [1, 1]
    return lambda x, w, o, m, b: torch.ops.adsam.deform_conv2d(x, w, o, m, b, [1, 1], pad, [1, 1], groups, offset_groups)


def check_deform():
    for name, sizes, groups in [
        ("one pixel", (1, 1, 1, 1, 1), (1, 1)),
        ("odd sizes", (3, 6, 7, 5, 4), (1, 1)),
        ("more than a warp of vectors", (2, 264, 9, 11, 8), (1, 1)),
        ("groups across offset groups", (2, 24, 9, 8, 6), (3, 2)),
        ("the network's widest", (1, 512, 64, 64, 128), (1, 1)),
    ]:
        for dtype, tolerance in [(torch.float64, 1e-11), (torch.float32, 1e-4), (torch.bfloat16, 2e-2)]:
            inputs = deform_inputs(*sizes, *groups, dtype=dtype)
            compare(f"deform_conv2d {name} {str(dtype)[6:]}", deform(*groups), inputs, tolerance)
    inputs = [x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in deform_inputs(2, 32, 17, 19, 8)]
    compare("deform_conv2d channels-last", deform(), inputs, 1e-4)
    half = deform_inputs(2, 32, 17, 19, 8, dtype=torch.float16)
    found = differentiated(deform(), on(DEVICE, half), torch.randn(2, 8, 17, 19))
    check("deform_conv2d float16 is finite", torch.tensor(all(x.isfinite().all() for x in found)), torch.tensor(True), 0)
    if DEVICE == "cpu":
        return
    several = deform_inputs(12, 256, 128, 128, 8, dtype=torch.float32)  # 1.8 GB of columns: more than one block
    compare("deform_conv2d in several blocks", deform(), several, 2e-4)


def check_torchvision():
    try:
        import torchvision
    except ImportError:
        print("skipped: no torchvision")
        return
    run = lambda x, w, o, m, b: torchvision.ops.deform_conv2d(x, o, w, b, padding=1, mask=m)
    inputs = on(DEVICE, deform_inputs(2, 64, 33, 37, 32))
    cotangent = torch.randn(2, 32, 33, 37, device=DEVICE)
    for i, (a, b) in enumerate(zip(differentiated(deform(), inputs, cotangent), differentiated(run, inputs, cotangent))):
        check(f"torchvision's deform_conv2d, {i}", a, b, 2e-3)  # TF32 may serve either side's products


def attention_inputs(batch, heads, dim, shapes, queries, points, dtype=torch.float32):
    levels = len(shapes) // 2
    positions = sum(shapes[2 * i] * shapes[2 * i + 1] for i in range(levels))
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    return [torch.randn(batch, positions, heads, dim, dtype=dtype),
            torch.rand(batch, queries, heads, levels, points, 2, dtype=wide) * 1.4 - 0.2,
            torch.rand(batch, queries, heads, levels, points, dtype=wide)]


def check_attention():
    for name, sizes in [("one of everything", (1, 1, 1, [1, 1], 1, 1)), ("odd sizes", (3, 2, 5, [7, 5, 3, 4], 11, 3)),
                        ("the network's", (2, 8, 32, [32, 32, 16, 16], 1280, 4)), ("long heads", (1, 2, 264, [3, 4], 3, 2))]:
        for dtype, tolerance in [(torch.float64, 1e-11), (torch.float32, 1e-4), (torch.bfloat16, 2e-2)]:
            run = lambda v, l, w: torch.ops.adsam.ms_deform_attn(v, sizes[3], l, w)
            compare(f"ms_deform_attn {name} {str(dtype)[6:]}", run, attention_inputs(*sizes, dtype=dtype), tolerance)


def labels_of(batch, classes, height, width):
    labels = torch.randint(0, max(1, classes - 1), (batch, height, width))
    return labels.masked_fill(torch.rand(labels.shape) < 0.2, 255)


def check_lovasz():
    for shape in [(1, 1, 1, 1), (3, 5, 7, 11), (2, 19, 65, 130), (2, 19, 512, 512)]:
        labels = labels_of(*shape)
        if shape[0] > 1:
            labels[1] = 255
        for per_image in (True, False):
            for dtype, tolerance in [(torch.float64, 1e-11), (torch.float32, 1e-5)]:
                probabilities = torch.randn(shape, dtype=dtype).mul(3).softmax(1)
                for kind in (torch.int64, torch.uint8):
                    run = lambda p: torch.ops.adsam.lovasz_softmax(p, labels.to(p.device, kind), 255, per_image)
                    compare(f"lovasz_softmax {list(shape)} {per_image} {str(dtype)[6:]} {str(kind)[6:]}", run, [probabilities], tolerance)


def check_distances():
    for shape, share in [((1, 1, 1), 0.5), ((3, 7, 5), 0.1), ((2, 65, 70), 0.0005), ((2, 90, 1), 0.03), ((4, 517, 1031), 1e-5),
                         ((1, 20, 30), 0.0), ((1, 33000, 40), 0.0001), ((70000, 3, 2), 0.3)]:
        mask = torch.rand(shape) >= share
        found = torch.ops.adsam.distance_transform(mask.to(DEVICE))
        check(f"distance_transform {list(shape)}", found, torch.ops.adsam.distance_transform(mask), 0)


def check_graph():
    """A recorded convolution replayed on another input."""
    inputs = on(DEVICE, deform_inputs(1, 32, 33, 37, 16))
    with torch.no_grad():
        deform()(*inputs)
        graph = torch.ops.adsam._cuda_graph_begin()
        output = deform()(*inputs)
        torch.ops.adsam._cuda_graph_end(graph)
        inputs[0].copy_(torch.randn_like(inputs[0]))
        torch.ops.adsam._cuda_graph_replay(graph)
        check("a recorded graph replays", output, deform()(*inputs), 1e-5)
        torch.ops.adsam._cuda_graph_free(graph)


def seconds(run, repeats=20):
    """Median time of one call on the device."""
    times = []
    for _ in range(repeats):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1000)
    return statistics.median(times)


def race(name, ours, theirs, work):
    """Interleaved: warm-up of both, then three rounds of each in turn."""
    for run in (ours, theirs):
        if run:
            for _ in range(3):
                run()
    mine, other = [], []
    for _ in range(3):
        mine.append(seconds(ours))
        if theirs:
            other.append(seconds(theirs))
    row = {"work": name, "ours_ms": 1e3 * statistics.median(mine), **work}
    if theirs:
        row["theirs_ms"] = 1e3 * statistics.median(other)
        row["ratio"] = row["theirs_ms"] / row["ours_ms"]
    rows.append(row)
    print("time", json.dumps(row), flush=True)


def forward_backward(run, inputs):
    leaves = [x.detach().clone(memory_format=torch.preserve_format).requires_grad_() for x in inputs]
    cotangent = torch.randn_like(run(*leaves))
    return lambda: torch.autograd.grad(run(*leaves), leaves, cotangent)


def race_deform():
    try:
        import torchvision
        vision = lambda x, w, o, m, b: torchvision.ops.deform_conv2d(x, o.to(x.dtype), w, b, padding=1, mask=m.to(x.dtype))
    except ImportError:
        vision = None
    for channels, out, side in [(512, 128, 128), (128, 64, 256), (64, 64, 128)]:
        for dtype in (torch.float32, torch.float16, torch.bfloat16):
            inputs = on(DEVICE, deform_inputs(1, channels, side, side, out, dtype=dtype))
            last = [x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs]
            flops = {"gflop": 2 * 9 * channels * out * side * side / 1e9}
            name = f"deform_conv2d {channels}→{out} at {side}×{side} {str(dtype)[6:]}"
            theirs = vision if dtype != torch.bfloat16 else None  # torchvision has no bfloat16 kernel
            with torch.no_grad():
                race(f"{name}, forward", lambda: deform()(*last), theirs and (lambda: theirs(*inputs)), flops)
            race(f"{name}, forward and backward", forward_backward(deform(), last),
                 theirs and forward_backward(theirs, inputs), flops)


def race_others():
    composite = torch.ops.adsam
    probabilities = torch.randn(1, 19, 1024, 1024, device=DEVICE).softmax(1)
    labels = labels_of(1, 20, 1024, 1024).to(DEVICE)
    race("lovasz_softmax [1, 19, 1024, 1024], forward and backward",
         forward_backward(lambda p: composite.lovasz_softmax(p, labels, 255, True), [probabilities]),
         forward_backward(lambda p: composite._lovasz_softmax_composite(p, labels, 255, True), [probabilities]), {})
    for dtype in (torch.float32, torch.bfloat16):
        shapes = [64, 64, 128, 128]
        inputs = on(DEVICE, attention_inputs(1, 8, 32, shapes, 4096, 4, dtype=dtype))
        race(f"ms_deform_attn 4096 queries {str(dtype)[6:]}, forward and backward",
             forward_backward(lambda v, l, w: composite.ms_deform_attn(v, shapes, l, w), inputs),
             forward_backward(lambda v, l, w: composite._ms_deform_attn_composite(v, shapes, l, w), inputs), {})
    mask = (torch.rand(19, 1024, 1024, device=DEVICE) > 0.001)
    race("distance_transform [19, 1024, 1024]", lambda: composite.distance_transform(mask), None, {})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "cuda-check"))
    parser.add_argument("--check-only", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--library", help="a libadsam_kernels that is built already")
    parser.add_argument("--device", default="cuda", help="cpu: the CPU against itself, to try this script")
    options = parser.parse_args()
    global DEVICE
    DEVICE = options.device
    if DEVICE == "cpu":
        torch.ops.load_library(options.library)
        for part in (check_deform, check_torchvision, check_attention, check_lovasz, check_distances):
            part()
        sys.exit(1 if failures else 0)
    if not torch.cuda.is_available():
        sys.exit("skipped: this PyTorch sees no CUDA device")
    torch.manual_seed(1)
    torch.ops.load_library(options.library or build(options.build))
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}", flush=True)
    for part in (check_deform, check_torchvision, check_attention, check_lovasz, check_distances, check_graph):
        try:
            part()
            torch.cuda.synchronize()
        except Exception as error:  # the parts after it still tell something
            failures.append(part.__name__)
            print(f"FAIL {part.__name__}: {error}", flush=True)
    if not options.check_only:
        for part in (race_deform, race_others):
            try:
                part()
            except Exception as error:
                failures.append(part.__name__)
                print(f"FAIL {part.__name__}: {error}", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"device": torch.cuda.get_device_name(), "torch": torch.__version__, "failures": failures, "rows": rows}, file, indent=1)
    print(f"{len(failures)} failed: {', '.join(failures)}" if failures else "all checks passed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
