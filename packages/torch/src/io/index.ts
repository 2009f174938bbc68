export {
  type Checkpoint,
  type LoadOptions,
  loadCheckpoint,
  loadSafetensors,
  openCheckpoint,
  saveCheckpoint,
  saveSafetensors,
} from "./checkpoint.js";
export { TorchLiteral, type Tree, type TreeKey, Tuple, type WritableTree } from "./tree.js";
