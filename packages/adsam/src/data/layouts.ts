/** What may be said of a data set's layout; apart from the readers, so that a recipe is read without loading them. */
export const datasetLayouts = ["auto", "cityscapes", "bdd100k", "camvid", "idd-lite", "folder"] as const;
