import { CheckpointFile, Problem, type StoredTensor } from "@adsam/torch";
import type { Family, Part } from "./families.js";
import { type Recognised, recognisePublished } from "./recognise.js";
import { checkpointFiles } from "./shards.js";
import { stateIn } from "./state-tree.js";

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
  readonly #files: readonly CheckpointFile[];
  readonly #recognised: Recognised;

  /**
   * @param path a file, an index of shards, or a folder with either
   * @param options.verify compare every storage of a PyTorch archive with its CRC-32 first, which reads the file once; default true
   */
  constructor(path: string, options: { readonly verify?: boolean } = {}) {
    const { files, index } = checkpointFiles(path);
    const open: CheckpointFile[] = [];
    try {
      const state = new Map<string, StoredTensor>();
      for (const file of files) {
        const one = new CheckpointFile(file, options);
        open.push(one);
        for (const [name, tensor] of stateIn(one.tree, `checkpoint "${file}"`)) {
          if (index && index.get(name) !== file) throw misplaced(path, name, file);
          state.set(name, tensor);
        }
      }
      const lost = [...(index?.keys() ?? [])].filter((name) => !state.has(name));
      if (lost.length > 0) throw misplaced(path, lost[0]!, index!.get(lost[0]!)!);
      this.path = path;
      this.#files = open;
      this.#recognised = recognisePublished(state.keys(), `checkpoint "${path}"`);
      this.family = this.#recognised.family;
      this.title = this.#recognised.title;
      this.tensors = new Map([...this.#recognised.names].map(([name, there]) => [name, state.get(there)!]));
      for (const [kept, other] of this.#recognised.duplicates) requireEqual(path, kept, other, state);
    } catch (error) {
      for (const file of open) file[Symbol.dispose]();
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
    if (start === undefined)
      throw new Problem({
        what: `checkpoint "${this.path}"`,
        found: `${this.title}, which holds ${this.parts.map((one) => partTitles[one]).join(" and ")}`,
        expected: partTitles[part],
      });
    const inside = [...this.tensors].filter(([name]) => name.startsWith(start));
    return {
      tensors: new Map(inside.map(([name, tensor]) => [name.slice(start.length), tensor])),
      nameInFile: (name) => this.#recognised.names.get(start + name) ?? start + name,
    };
  }

  /** @throws Problem where a file was written to since it was opened: to be asked after loading */
  assertUnchanged(): void {
    for (const file of this.#files) file.assertUnchanged();
  }

  [Symbol.dispose](): void {
    for (const file of this.#files) file[Symbol.dispose]();
  }
}

const partTitles: Readonly<Record<Part, string>> = {
  sam: "the whole of SAM",
  encoder: "an image encoder of SAM",
  resnet: "a ResNet",
  "ad-sam": "AD-SAM",
  deeplabv3: "DeepLabV3",
};

function misplaced(path: string, name: string, file: string): Problem {
  return new Problem({
    what: `index of shards "${path}"`,
    found: `"${name}" on one side of index and shard "${file}" only`,
    expected: "every tensor in the shard that the index names",
    todo: "The files are not of one download; fetch them again.",
  });
}

/** Two names of one tensor are harmless where both hold the same numbers. */
function requireEqual(path: string, kept: string, other: string, state: ReadonlyMap<string, StoredTensor>): void {
  const [one, two] = [state.get(kept)!, state.get(other)!];
  if (one.shape.join() === two.shape.join()) {
    using a = one.read();
    using b = two.read();
    if (a.dtype === b.dtype && a.equal(b)) return;
  }
  throw new Problem({
    what: `checkpoint "${path}"`,
    found: `"${kept}" and "${other}" with different values`,
    expected: "one tensor under two names",
  });
}
