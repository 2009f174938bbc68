import type { Device } from "./device.js";
import { noGrad } from "./mode.js";
import { native } from "./native.js";
import { callOperator } from "./operators.js";
import { keep } from "./scope.js";
import type { Tensor } from "./tensor.js";

/**
 * A moment in what a GPU has been given to do: when all that was queued until now is done. On the CPU, where operators end before they
 * return, it is always past.
 */
export class DeviceEvent {
  private constructor(
    private readonly handle: unknown,
    private readonly device: Device,
  ) {}

  /** The moment when the device's current stream is done with what it holds by now. */
  static record(device: Device): DeviceEvent {
    return new DeviceEvent(isGpu(device) ? native().recordEvent(device) : undefined, device);
  }

  /** Whether it is past. Waits for nothing. */
  get done(): boolean {
    return this.handle === undefined || native().eventDone(this.handle);
  }

  /** Waits until it is past. */
  wait(): void {
    if (this.handle !== undefined) native().awaitEvent(this.handle);
  }

  /** What the device's current stream is given from now on begins after it; the caller waits for nothing. */
  hold(): void {
    if (this.handle !== undefined) native().holdForEvent(this.handle, this.device);
  }
}

/** Runs a synchronous `body` whose operators go to the device's second stream, beside the work on the first: for transfers. */
export function onSideStream<T>(device: Device, body: () => T): T {
  if (!isGpu(device)) return body();
  let result: T | undefined;
  native().onSideStream(device, () => {
    result = body();
  });
  return result as T;
}

/**
 * A CPU tensor's copy on a GPU, without waiting: through page-locked memory, on the second stream, beside the work on the first, where what
 * follows begins when it has arrived. A loop that runs ahead of the GPU so has its next batch there in time. Where the device is the CPU, the
 * tensor itself. What `tensor` stands on may change once this has returned.
 */
export function send(tensor: Tensor, device: Device): Tensor {
  if (!isGpu(device) || isGpu(tensor.device)) return tensor.to({ device });
  const [there, arrived] = onSideStream(device, () => {
    const locked = callOperator("aten::pin_memory", "", [tensor]) as Tensor; // its allocator keeps it until the copy is done
    const copy = locked.to({ device, nonBlocking: true });
    if (locked !== tensor) locked.dispose();
    return [copy, DeviceEvent.record(device)] as const;
  });
  arrived.hold();
  native().useOnStream(there.id);
  return there;
}

/** Numbers of a GPU on their way to the CPU: asked for now, read later, with a wait for no more than what was queued before. */
export class Download {
  private constructor(
    private readonly tensor: Tensor,
    private readonly arrived: DeviceEvent,
  ) {}

  /** Begins it; the tensor may be freed or changed afterwards. */
  static begin(tensor: Tensor): Download {
    const { device } = tensor;
    if (!isGpu(device)) return new Download(keep(tensor.detach().clone()), DeviceEvent.record(device));
    const lockedOnCpu = [tensor.shape, tensor.dtype, undefined, "cpu", true]; // size, dtype, layout, device, pin_memory
    const locked = callOperator("aten::empty", "memory_format", lockedOnCpu) as Tensor;
    noGrad(() => callOperator("aten::copy_", "", [locked, tensor, true]));
    return new Download(keep(locked), DeviceEvent.record(device));
  }

  /** Whether `read` would not wait. */
  get done(): boolean {
    return this.arrived.done;
  }

  /** All elements; frees what held them. */
  read(): Float64Array {
    this.arrived.wait();
    const numbers = this.tensor.toNumbers();
    this.tensor.dispose();
    return numbers;
  }
}

function isGpu(device: Device): boolean {
  return device.startsWith("cuda");
}
