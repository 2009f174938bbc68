/** Every encoder that has a name, the paper's first. Apart from the registry, so that a recipe is read without loading libtorch. */
export const encoderNames = ["sam-vit-h", "sam-vit-l", "sam-vit-b", "mobile-sam", "nano"] as const;

export type EncoderName = (typeof encoderNames)[number];

export function isEncoderName(encoder: string): encoder is EncoderName {
  return (encoderNames as readonly string[]).includes(encoder);
}

/** Names that stand for published weights; `nano` is for demonstrations and tests, and pretrained by no one. */
export function isPretrained(encoder: string): encoder is Exclude<EncoderName, "nano"> {
  return encoder !== "nano" && isEncoderName(encoder);
}
