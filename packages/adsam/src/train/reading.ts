import { Download, type Tensor } from "@adsam/torch";

/** Numbers that a device is still computing: on the CPU known at once, on a GPU a while later. */
export class Reading<T> {
  private read: { readonly value: T } | undefined;

  private constructor(
    private readonly download: Download,
    private readonly meaning: (numbers: Float64Array) => T,
  ) {}

  /**
   * Asks for a tensor's numbers, without waiting; the tensor may be freed.
   * @param meaning what the numbers are; called once
   */
  static of<T>(tensor: Tensor, meaning: (numbers: Float64Array) => T): Reading<T> {
    return new Reading(Download.begin(tensor), meaning);
  }

  /** Whether `value` is there without a wait. */
  get known(): boolean {
    return this.read !== undefined || this.download.done;
  }

  /** Waits for it where it is not known, and for nothing that was queued later. */
  get value(): T {
    this.read ??= { value: this.meaning(this.download.read()) };
    return this.read.value;
  }
}
