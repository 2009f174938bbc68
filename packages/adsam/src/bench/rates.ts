import { Problem } from "@adsam/torch/problem";
import type { Order } from "./order.js";
import type { MachineRates } from "./roofline/limit.js";
import { ours } from "./sides/peers.js";
import { Side } from "./sides/side.js";

/**
 * What this machine reaches, in a process of its own (works/rates.ts): the measure of every roofline. Some four seconds.
 * @throws Problem where it is interrupted, or the process ends
 */
export async function measureRates(
  { threads, device }: Pick<Order, "threads" | "device">,
  signal?: AbortSignal,
): Promise<MachineRates> {
  const order: Order = { work: "rates", batch: 1, height: 1, width: 1, threads, device, dtype: "float32" };
  const { side } = await Side.start(ours, order, signal);
  try {
    await side.run();
    return (await side.output("")).numbers as unknown as MachineRates;
  } catch (error) {
    if (!signal?.aborted) throw error;
    throw new Problem(
      { what: "the benchmark", found: "an interruption", expected: "time for one work at least" },
      { cause: error },
    );
  } finally {
    await side.end();
  }
}
