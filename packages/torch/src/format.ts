import type { Tensor } from "./tensor.js";

/** `Tensor [2, 3] float32 [[1, 2, 3], [4, 5, 6]]`; long ones show their first elements and their range. */
export function formatTensor(tensor: Tensor): string {
  const head = `Tensor [${tensor.shape.join(", ")}] ${tensor.dtype}${tensor.device === "cpu" ? "" : ` ${tensor.device}`}`;
  if (tensor.device === "meta") return head;
  const numbers = tensor.toNumbers();
  if (numbers.length <= 24)
    return `${head} ${JSON.stringify(tensor.toNested(), (_, value) => (typeof value === "number" ? round(value) : value)).replaceAll(",", ", ")}`;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const value of numbers) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    sum += value;
  }
  const first = [...numbers.subarray(0, 6)].map(round).join(", ");
  return `${head} [${first}, …] min ${round(low)} mean ${round(sum / numbers.length)} max ${round(high)}`;
}

function round(value: number): number | string {
  return Number.isFinite(value) ? Number(value.toPrecision(5)) : String(value);
}
