/**
 * How libgomp's threads wait for each other's work, as environment variables: they look so often whether it is done, some 0.1 ms, and then
 * sleep. On a virtual machine on which waking a thread is slow (2 × Xeon, Firecracker), AD-SAM's training steps are 1.2 times as fast as
 * where they sleep at once; beside a program that keeps one of the two cores busy, 0.9 times. libgomp's own 300,000 looks leave 0.15 there.
 */
export const threadWaiting = { GOMP_SPINCOUNT: "2000" } as const;

/** Before libgomp is loaded. What the user has set stands. */
export function setThreadWaiting(env: NodeJS.ProcessEnv): void {
  if (!env.OMP_WAIT_POLICY) env.GOMP_SPINCOUNT ??= threadWaiting.GOMP_SPINCOUNT;
}
