import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSyntheticDataset } from "../data/synthetic/write.js";
import { ProtoMessage } from "../train/protobuf.js";
import type { Comparison } from "./catalogue/comparison.js";
import { inputValues } from "./formula.js";
import type { Order } from "./order.js";
import type { PeerName } from "./sides/peers.js";
import { Side, type SideCommand } from "./sides/side.js";

/** Scenes drawn, and how often each stands in the data set: drawing one of Cityscapes' size takes seconds. */
const scenes = 4;
const copies = 4;

/** What works find on the disk: made when it is first needed, removed at the end. */
export class Provisions {
  readonly #commands: ReadonlyMap<string, SideCommand>;
  readonly #tell: (line: string) => void;
  #folder: string | undefined;

  constructor(commands: ReadonlyMap<string, SideCommand>, tell: (line: string) => void) {
    this.#commands = commands;
    this.#tell = tell;
  }

  /**
   * @returns what is added to the orders, and the peer that must be left out because its file cannot be made
   * @throws Problem where a process that makes a file ends
   */
  async for(
    { needs, sides }: Comparison,
    signal?: AbortSignal,
  ): Promise<{ given: Partial<Order>; without?: PeerName }> {
    const order = Object.values(sides)[0]!.order;
    if (needs === "pictures") return { given: { folder: await this.#pictures(order) } };
    if (needs === undefined || !this.#commands.has("onnxruntime")) return { given: {} };
    if (needs === "onnx-deform-conv") return { given: { model: this.#deformConvModel(order) } };
    const pytorch = this.#commands.get("pytorch");
    if (!pytorch) return { given: {}, without: "onnxruntime" };
    return { given: { model: await this.#encoderModel(pytorch, order, signal) } };
  }

  async #pictures({ height, width }: Order): Promise<string> {
    const root = join(this.#place(), `pictures-${width}`);
    this.#tell(`drawing ${scenes} street scenes of ${width}×${height}`);
    await writeSyntheticDataset({
      domain: "structured",
      root,
      train: scenes,
      val: 0,
      seed: 1,
      size: { width, height },
    });
    const name = (i: number) => `lindental_${String(i).padStart(6, "0")}_000019`;
    for (let i = scenes; i < scenes * copies; i++)
      for (const [folder, ending] of [
        ["leftImg8bit", "leftImg8bit.png"],
        ["gtFine", "gtFine_labelIds.png"],
      ] as const) {
        const path = (picture: string) => join(root, folder, "train", "lindental", `${picture}_${ending}`);
        linkSync(path(name(i % scenes)), path(name(i)));
      }
    return root;
  }

  async #encoderModel(pytorch: SideCommand, order: Order, signal?: AbortSignal): Promise<string> {
    const folder = join(this.#place(), `encoder-${order.encoder}`);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "encoder.onnx");
    this.#tell("writing the encoder for ONNX Runtime");
    const { side } = await Side.start(pytorch, order, signal);
    try {
      await side.exportTo(path);
    } finally {
      await side.end();
    }
    return path;
  }

  #deformConvModel({ channels, height, width, batch }: Order): string {
    const path = join(this.#place(), `deform-conv-${channels!.join("-")}.onnx`);
    writeFileSync(path, deformConvModel(channels!, { batch, height, width }));
    return path;
  }

  #place(): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), "adsam-bench-"));
    return this.#folder;
  }

  end(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * A model of one DeformConv node (ONNX operator set 19): inputs `input`, `offset` and `mask`, output `result`; filters and bias by the formula
 * lie in the file. Field numbers are those of onnx.proto3.
 */
export function deformConvModel(
  [inChannels, outChannels]: readonly [number, number],
  { batch, height, width }: { readonly batch: number; readonly height: number; readonly width: number },
): Uint8Array {
  const attribute = (name: string, values: readonly number[]) => {
    const message = new ProtoMessage().bytes(1, name).varint(20, 7); // AttributeProto: name, type = INTS
    for (const value of values) message.varint(8, value);
    return message;
  };
  const value = (name: string, channels: number) => {
    const shape = new ProtoMessage(); // TensorShapeProto: dim, dim_value
    for (const size of [batch, channels, height, width]) shape.bytes(1, new ProtoMessage().varint(1, size));
    const type = new ProtoMessage().varint(1, 1).bytes(2, shape); // TypeProto.Tensor: elem_type = FLOAT, shape
    return new ProtoMessage().bytes(1, name).bytes(2, new ProtoMessage().bytes(1, type)); // ValueInfoProto: name, type
  };
  const constant = (name: string, shape: readonly number[], lo: number, hi: number) => {
    const message = new ProtoMessage(); // TensorProto: dims, data_type = FLOAT, name, raw_data
    for (const size of shape) message.varint(1, size);
    const values = inputValues(name, { shape, lo, hi });
    return message.varint(2, 1).bytes(8, name).bytes(9, new Uint8Array(values.buffer));
  };
  const node = new ProtoMessage();
  for (const name of ["input", "weight", "offset", "bias", "mask"]) node.bytes(1, name);
  node.bytes(2, "result").bytes(4, "DeformConv");
  node.bytes(5, attribute("kernel_shape", [3, 3])).bytes(5, attribute("pads", [1, 1, 1, 1]));
  const bound = Math.sqrt(3 / (9 * inChannels));
  const graph = new ProtoMessage()
    .bytes(1, node)
    .bytes(2, "deform_conv")
    .bytes(5, constant("weight", [outChannels, inChannels, 3, 3], -bound, bound))
    .bytes(5, constant("bias", [outChannels], -1, 1))
    .bytes(11, value("input", inChannels))
    .bytes(11, value("offset", 18))
    .bytes(11, value("mask", 9))
    .bytes(12, value("result", outChannels));
  // ModelProto: ir_version 9, graph, opset_import of the default domain
  return new ProtoMessage().varint(1, 9).bytes(7, graph).bytes(8, new ProtoMessage().varint(2, 19)).encode();
}
