/** What `model.name` may be; apart from the systems themselves, so that reading a recipe loads no engine. */
export const systemNames = ["ad-sam", "sam", "g-sam", "deeplabv3"] as const;
export type SystemName = (typeof systemNames)[number];
