import { join } from "node:path";
import { test } from "node:test";
import { loadCheckpoint, nn, optim, randn, saveCheckpoint, scope, type Tensor } from "../src/index.js";
import { assertClose } from "./golden.js";
import { pythonWith, runPython, temporaryFolder } from "./io-helpers.js";

const python = pythonWith("torch");

const program = `
import sys, torch
name, source, target = sys.argv[1:]
saved = torch.load(source)
params = [torch.nn.Parameter(p) for p in saved["params"]]
optimizer = getattr(torch.optim, name)([{"params": params[:1]}, {"params": params[1:]}], lr=77)
optimizer.load_state_dict(saved["optimizer"])
for step in range(2):
    for param, grad in zip(params, saved["grads"]):
        param.grad = grad.clone()
    optimizer.step()
torch.save({"params": [p.detach() for p in params], "optimizer": optimizer.state_dict()}, target)
`;

const optimisers: Record<string, (params: Tensor[]) => optim.AdamW | optim.SGD> = {
  AdamW: (params) =>
    new optim.AdamW([{ params: params.slice(0, 1) }, { params: params.slice(1), lr: 0.01 }], { lr: 0.1 }),
  SGD: (params) =>
    new optim.SGD([{ params: params.slice(0, 1) }, { params: params.slice(1), lr: 0.01 }], { lr: 0.1, momentum: 0.9 }),
};

for (const [name, make] of Object.entries(optimisers))
  test(`torch.optim.${name} goes on from our checkpoint as we would, and we go on from its`, {
    skip: python ? false : "no Python with torch",
  }, (t) => {
    const folder = temporaryFolder(t);
    scope(() => {
      const params = [nn.parameter(randn([4, 3])), nn.parameter(randn([5]))];
      const grads = [randn([4, 3]), randn([5])];
      using optimizer = make(params);
      const step = (members: Tensor[], one: { step(): void }) => {
        for (const [i, param] of members.entries()) param.grad = grads[i]!.clone();
        one.step();
      };
      for (let i = 0; i < 3; i++) step(params, optimizer);
      const [ours, theirs] = [join(folder, "ours.pth"), join(folder, "theirs.pth")];
      saveCheckpoint(ours, { params, grads, optimizer: optimizer.stateDict() });
      runPython(python!, ["-c", program, name, ours, theirs]);
      for (let i = 0; i < 2; i++) step(params, optimizer);

      const loaded = loadCheckpoint(theirs) as Map<string, unknown>;
      const tensors = loaded.get("params") as Tensor[];
      for (const [i, param] of params.entries()) assertClose(tensors[i]!, param, `parameter ${i}`, 1e-7);

      const copies = tensors.map((tensor) => nn.parameter(tensor.clone()));
      using resumed = make(copies);
      resumed.loadStateDict(loaded.get("optimizer") as Map<string, unknown>);
      step(copies, resumed);
      step(params, optimizer);
      for (const [i, param] of params.entries()) assertClose(copies[i]!, param, `parameter ${i} afterwards`, 1e-7);
      for (const param of [...params, ...copies]) param.dispose();
    });
  });
