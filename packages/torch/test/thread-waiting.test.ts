import assert from "node:assert/strict";
import { test } from "node:test";
import { threadWaiting } from "../src/thread-waiting.js";

test("threads look a while and then sleep, unless the user says otherwise", () => {
  const waiting = (env: NodeJS.ProcessEnv) => ({ ...env, ...threadWaiting(env) });
  assert.deepEqual(waiting({}), { GOMP_SPINCOUNT: "2000" });
  assert.deepEqual(waiting({ GOMP_SPINCOUNT: "7" }), { GOMP_SPINCOUNT: "7" });
  assert.deepEqual(waiting({ OMP_WAIT_POLICY: "PASSIVE" }), { OMP_WAIT_POLICY: "PASSIVE" });
});
