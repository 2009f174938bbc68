export { buffer, Module, parameter } from "./module.js";
