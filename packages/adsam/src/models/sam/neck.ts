import { nn } from "@adsam/torch";

/** The neck of every encoder of SAM's family: [B, C, h, w] → [B, outChans, h, w]. */
export function neck(dim: number, outChans: number): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(dim, outChans, { kernelSize: 1, bias: false }),
    new nn.LayerNorm2d(outChans),
    new nn.Conv2d(outChans, outChans, { kernelSize: 3, padding: 1, bias: false }),
    new nn.LayerNorm2d(outChans),
  );
}
