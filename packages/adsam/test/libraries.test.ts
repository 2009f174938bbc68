import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

/** Debian's libtorch brings a GLib, sharp carries another: where one's symbols took the other's place, GLib complained on stderr. */
test("sharp, the kernels and libtorch live in one process, whichever comes first", () => {
  const kernels = `
    const { zeros, scope } = await import("@adsam/torch");
    const { msDeformAttn } = await import("@adsam/kernels");
    scope(() => msDeformAttn(zeros([1, 64, 2, 4]), [8, 8], zeros([1, 64, 2, 1, 1, 2]), zeros([1, 64, 2, 1, 1])));`;
  const pictures = `
    const { default: sharp } = await import("sharp");
    const raw = { width: 10, height: 7, channels: 3 };
    const png = await sharp(Buffer.alloc(210), { raw }).png().toBuffer();
    await sharp(png).resize(20, 20).raw().toBuffer();`;
  for (const program of [`{${kernels}} {${pictures}}`, `{${pictures}} {${kernels}} {${pictures}}`]) {
    const options = { encoding: "utf8", cwd: new URL(".", import.meta.url) } as const;
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], options);
    assert.deepEqual([status, stderr], [0, ""]);
  }
});
