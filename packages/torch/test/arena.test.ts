import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { emptyCache, full, memoryUsage, scope, type Tensor } from "@adsam/torch";

const megabyte = 2 ** 20;
const page = 2 * megabyte;
const skip = process.platform === "linux" && process.env.ADSAM_ALLOCATOR !== "system" ? false : "no arena here";
const filled = (bytes: number, value: number) => full([bytes / 4], value, { dtype: "int32" });

test("a freed tensor's memory serves the next, and goes back when asked", { skip }, () => {
  emptyCache();
  const before = memoryUsage();
  const one = filled(64 * megabyte, 1);
  assert.equal(memoryUsage().live - before.live, 64 * megabyte);
  one.dispose();
  assert.equal(memoryUsage().live, before.live);
  const kept = memoryUsage().resident;
  assert.ok(kept >= before.resident + 64 * megabyte - page, `${kept} after ${before.resident}`);
  const next = filled(63 * megabyte, 2);
  assert.equal(memoryUsage().resident, kept);
  next.dispose();
  emptyCache();
  assert.ok(memoryUsage().resident <= before.resident + page, `${memoryUsage().resident} after ${before.resident}`);
});

test("blocks never overlap, and all memory comes back, whatever is taken and freed in whatever order", { skip }, () => {
  emptyCache();
  const before = memoryUsage();
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const alive: { tensor: Tensor; value: number }[] = [];
  for (let turn = 0; turn < 600; turn++) {
    if (alive.length < 12 && random(2) === 0) {
      const size = 4 * (1 + random(2 * megabyte)); // small ones from malloc among them
      alive.push({ tensor: filled(size, turn), value: turn });
    } else if (alive.length > 0) {
      const [{ tensor, value }] = alive.splice(random(alive.length), 1) as [(typeof alive)[0]];
      assert.ok(
        scope(() => tensor.eq(value).all().item()),
        `tensor ${value} changed by turn ${turn}`,
      );
      tensor.dispose();
    }
  }
  for (const { tensor, value } of alive) {
    assert.ok(
      scope(() => tensor.eq(value).all().item()),
      `tensor ${value} changed by the end`,
    );
    tensor.dispose();
  }
  assert.equal(memoryUsage().live, before.live);
  emptyCache();
  assert.ok(memoryUsage().resident <= before.resident + page);
});

test("no more is held than lived at once, but for a quarter of a gigabyte", { skip }, () => {
  // Ever larger tensors one after the other: what the smaller ones left can serve none of them.
  const program = `
    import { memoryUsage, full } from "@adsam/torch";
    for (let size = 100; size <= 700; size += 40) full([size * 2 ** 18], 1, { dtype: "int32" }).dispose();
    console.log(JSON.stringify(memoryUsage()));`;
  const { peak, resident } = JSON.parse(
    execFileSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    }),
  ) as ReturnType<typeof memoryUsage>;
  assert.ok(peak >= 700 * megabyte && peak < 710 * megabyte, `${peak}`);
  assert.ok(resident <= peak + 256 * megabyte + page, `${resident} held, ${peak} needed`);
});

test("`ADSAM_ALLOCATOR=system` leaves every tensor to malloc", () => {
  const program = `
    import { memoryUsage, full } from "@adsam/torch";
    const kept = full([2 ** 22], 1);
    console.log(memoryUsage().peak);`;
  const env = { ...process.env, ADSAM_ALLOCATOR: "system" };
  const args = ["--input-type=module", "-e", program];
  assert.equal(execFileSync(process.execPath, args, { cwd: import.meta.dirname, env, encoding: "utf8" }).trim(), "0");
});
