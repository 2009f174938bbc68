import type { Order, WorkName } from "../order.js";
import type { Work } from "./work.js";

/** Each loads what it needs alone: the process that reads pictures holds no network's code. */
const builders: Readonly<Record<WorkName, (order: Order) => Promise<Work>>> = {
  "ad-sam-forward": async (order) => (await import("./ad-sam.js")).forwardWork(order),
  "ad-sam-step": async (order) => (await import("./ad-sam.js")).stepWork(order),
  "deform-conv": async (order) => (await import("./deform-conv.js")).deformConvWork(order),
  "sam-encoder": async (order) => (await import("./sam-encoder.js")).samEncoderWork(order),
  "hybrid-loss": async (order) => (await import("./hybrid-loss.js")).hybridLossWork(order),
  backbone: async (order) => (await import("./backbone.js")).backboneWork(order),
  pictures: async (order) => await (await import("./pictures.js")).picturesWork(order),
  metric: async (order) => (await import("./metric.js")).metricWork(order),
  rates: async (order) => (await import("./rates.js")).ratesWork(order),
};

export const buildWork = (order: Order): Promise<Work> => builders[order.work](order);
