import assert from "node:assert/strict";
import { test } from "node:test";
import { buildInfo, DeviceEvent, Download, liveTensors, onSideStream, randn, scope, send } from "../src/index.js";

const devices = ["cpu", "cuda"] as const;

for (const device of devices)
  test(`tensors travel there and back whole, and nothing is left: ${device}`, {
    skip: device === "cuda" && !buildInfo().cuda && "this libtorch sees no GPU",
  }, () => {
    const before = liveTensors().count;
    scope(() => {
      const made = randn([100, 300]);
      const there = send(made, device);
      assert.equal(there.device.split(":")[0], device);
      const expected = made.toNumbers();
      const back = Download.begin(there);
      there.zero_(); // later in the queue: what was asked for is what it held
      assert.deepEqual(back.read(), expected);
      const event = DeviceEvent.record(device);
      event.hold();
      event.wait();
      assert.equal(event.done, true);
      assert.equal(
        onSideStream(device, () => 3),
        3,
      );
    });
    assert.equal(liveTensors().count, before);
  });
