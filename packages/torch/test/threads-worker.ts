/** What a worker of threads.test.ts does; `workerData` says which. */
import { parentPort, workerData } from "node:worker_threads";
import { callOperatorAsync, customFunction, Generator, liveTensors, randn, scope, Tensor } from "../src/index.js";

const tell = (message: unknown) => parentPort!.postMessage(message);
const square = customFunction<[Tensor], Tensor>("square", {
  forward(context, x) {
    context.saved = [x];
    return x.square();
  },
  backward: (context, cotangent) => context.saved[0]!.mul(2).mul(cotangent!),
});

switch (workerData.task as string) {
  case "compute": {
    const generator = Generator.seeded(workerData.seed as number);
    const total = scope(() => {
      const x = randn([64, 64], { generator }).requiresGrad_();
      for (let i = 0; i < 40; i++) scope(() => square(x.matmul(x)).mean().backward());
      return x.grad!.sum().item();
    });
    tell({ total, live: liveTensors().count });
    break;
  }
  case "endless": {
    const x = randn([300, 300]).requiresGrad_();
    tell("started");
    for (;;) scope(() => square(x.matmul(x)).sum().backward());
  }
  case "queue": {
    const shared = Tensor.share(new Float32Array(300 * 300), [300, 300]);
    const graph = square(randn([300, 300]).requiresGrad_());
    for (let i = 0; i < 50; i++) void callOperatorAsync("aten::mm", "", [shared, graph]);
    setInterval(() => {}, 1000); // stays, also when the queue is done
    tell("started");
  }
}
