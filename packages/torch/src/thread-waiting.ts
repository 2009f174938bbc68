/** So often they look, in some 0.1 ms. */
const looks = "2000";

/**
 * How libgomp's threads wait for each other's work, as variables to add to an environment before it is loaded: they look a while whether it
 * is done, and then sleep. What the user has set stands. On a virtual machine on which waking a thread is slow (2 × Xeon, Firecracker),
 * AD-SAM's training steps are 1.2 times as fast as where they sleep at once; beside a program that keeps one of the two cores busy, 0.9
 * times. libgomp's own 300,000 looks leave 0.15 there.
 */
export function threadWaiting({ OMP_WAIT_POLICY, GOMP_SPINCOUNT }: NodeJS.ProcessEnv): { GOMP_SPINCOUNT?: string } {
  return OMP_WAIT_POLICY || GOMP_SPINCOUNT ? {} : { GOMP_SPINCOUNT: looks };
}
