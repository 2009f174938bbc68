declare module "jstat" {
  const jstat: {
    jStat: {
      studentt: {
        /** The quantile of Student's t: P(T ≤ inv(p, dof)) = p. */
        inv(p: number, dof: number): number;
      };
    };
  };
  export default jstat;
}
