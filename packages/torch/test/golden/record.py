"""How the golden files beside this script write tensors: dtype, shape and the bytes themselves in base64, so that no bit is lost."""

import base64
import json
import os


def tensor(value):
    plain = value.detach().cpu().contiguous()
    data = base64.b64encode(plain.numpy().tobytes()).decode()
    return {"dtype": str(plain.dtype).replace("torch.", ""), "shape": list(plain.shape), "data": data}


def tensors(named):
    return {name: tensor(value) for name, value in named.items()}


def write(name, content):
    """Writes a JSON file; `npx biome format --write` gives it the repository's layout."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, "w") as file:
        json.dump(content, file, indent=2, allow_nan=False)
        file.write("\n")
    print(path, os.path.getsize(path), "bytes")
