/** Where a tensor lives: "cpu", "cuda", "cuda:1", or "meta" (shapes without data). */
export type Device = "cpu" | "cuda" | "meta" | `cuda:${number}`;

/** How the elements lie in memory; "channels_last" is NHWC under NCHW shapes. */
export type MemoryFormat = "contiguous" | "channels_last" | "preserve";
