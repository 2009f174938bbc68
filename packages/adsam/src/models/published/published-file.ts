import { CheckpointFile, Problem, type StoredTensor } from "@adsam/torch";
import type { Family, Part } from "./families.js";
import { type Recognised, recognisePublished } from "./recognise.js";
import { stateIn } from "./state-tree.js";
import { under } from "./under.js";

/** A part of a published checkpoint under the names of its network here. */
export interface PublishedPart {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What the file calls a tensor. */
  nameInFile(name: string): string;
}

/**
 * A public checkpoint held open: Meta's SAM, MobileSAM, Hugging Face's SAM, torchvision's ResNet and DeepLabV3, the AD-SAM authors' and this
 * project's own, by content and not by extension, in one file or in shards. Its tensors are read when a network takes them. Close it with `using`.
 */
export class PublishedFile {
  readonly path: string;
  readonly family: Family;
  /** What it is, for messages: "Hugging Face's SAM". */
  readonly title: string;
  /** All tensors under this project's names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #file: CheckpointFile;
  readonly #recognised: Recognised;

  /**
   * @param path a file, an index of shards, or a folder with either
   * @param options.verify compare every storage of a PyTorch archive with its CRC-32 first, which reads the file once; default true
   */
  constructor(path: string, options: { readonly verify?: boolean } = {}) {
    const what = `checkpoint "${path}"`;
    const file = new CheckpointFile(path, options);
    try {
      const state = stateIn(file.tree, what);
      const recognised = recognisePublished(state.keys(), what);
      for (const [kept, other] of recognised.duplicates) requireEqual(what, kept, other, state);
      this.path = path;
      this.family = recognised.family;
      this.title = recognised.title;
      this.tensors = new Map([...recognised.names].map(([name, there]) => [name, state.get(there)!]));
      this.#file = file;
      this.#recognised = recognised;
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  /** The networks that may be had out of it. */
  get parts(): readonly Part[] {
    return [...this.#recognised.parts.keys()];
  }

  /** @throws Problem where the file holds no such network */
  part(part: Part): PublishedPart {
    const start = this.#recognised.parts.get(part);
    if (start === undefined) {
      const others = this.parts.filter((one) => one !== "ad-sam"); // the title says that
      throw new Problem({
        what: `checkpoint "${this.path}"`,
        found:
          others.length === 0
            ? this.title
            : `${this.title}, which holds ${others.map((one) => partTitles[one]).join(" and ")}`,
        expected: partTitles[part],
      });
    }
    return {
      tensors: under(this.tensors, start),
      nameInFile: (name) => this.#recognised.names.get(start + name) ?? start + name,
    };
  }

  /** @throws Problem where a file was written to since it was opened: to be asked after loading */
  assertUnchanged(): void {
    this.#file.assertUnchanged();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

const partTitles: Readonly<Record<Part, string>> = {
  sam: "the whole of SAM",
  encoder: "an image encoder of SAM",
  resnet: "a ResNet",
  "ad-sam": "AD-SAM",
  deeplabv3: "DeepLabV3",
};

/** Two names of one tensor are harmless where both hold the same numbers. */
function requireEqual(what: string, kept: string, other: string, state: ReadonlyMap<string, StoredTensor>): void {
  const [one, two] = [state.get(kept)!, state.get(other)!];
  if (one.shape.join() === two.shape.join()) {
    using a = one.read();
    using b = two.read();
    if (a.dtype === b.dtype && a.equal(b)) return;
  }
  throw new Problem({
    what,
    found: `"${kept}" and "${other}" with different values`,
    expected: "one tensor under two names",
  });
}
