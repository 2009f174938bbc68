export { Problem, type ProblemParts } from "./problem.js";
