import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { camel, emit } from "../src/codegen/emit.js";
import { operators } from "../src/codegen/operators.js";
import { parseSchema } from "../src/codegen/schema.js";
import { functionTable, methodTable } from "../src/generated/table.js";
import { buildInfo, Tensor } from "../src/index.js";
import { native } from "../src/native.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
const isOurVersion = buildInfo().version.startsWith("1.13");

test("the committed signatures are what the schemas of libtorch 1.13 give", {
  skip: isOurVersion ? false : `libtorch ${buildInfo().version}: only names are compared`,
}, () => {
  const generated = emit((name) => native().schemas(name));
  const folder = mkdtempSync(join(tmpdir(), "signatures-"));
  try {
    for (const [name, text] of Object.entries(generated)) {
      const path = join(folder, `${name}.ts`);
      writeFileSync(path, text);
      const format = [biome, "format", "--config-path", root, "--vcs-enabled=false", "--write", path];
      const { status, stderr } = spawnSync(process.execPath, format, { cwd: root, encoding: "utf8" });
      assert.equal(status, 0, stderr);
      const committed = readFileSync(join(root, "packages/torch/src/generated", `${name}.ts`), "utf8");
      assert.equal(readFileSync(path, "utf8"), committed, `${name}.ts: run npm run generate -w packages/torch`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("every listed overload exists in this libtorch, with the arguments we name", () => {
  const wrong: string[] = [];
  for (const spec of [...Object.values(methodTable), ...Object.values(functionTable)]) {
    const schemas = native().schemas(spec.name).map(parseSchema);
    for (const { overload, order } of spec.overloads) {
      const schema = schemas.find((one) => one.overload === overload);
      const names = schema?.arguments.map((argument) => camel(argument.name)) ?? [];
      const missing = order.filter((name) => !names.includes(name));
      if (!schema || missing.length > 0)
        wrong.push(`${spec.name}.${overload}: ${schema ? `no ${missing}` : "missing"}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("every operator listed is a method or a function", () => {
  const names = Object.keys(operators).map(camel);
  assert.equal(new Set(names).size, names.length);
  for (const name of names)
    assert.ok(name in methodTable ? name in Tensor.prototype : name in functionTable, `${name} is nowhere`);
});

test("schemas are read: defaults, lists, optional and written arguments, several results", () => {
  const schema = parseSchema(
    'aten::max.dim_max(Tensor self, SymInt[2] dim=[0, 1], *, str mode="a,b", Scalar? s=None, Tensor(a!) max) -> (Tensor(a!) values, Tensor indices)',
  );
  assert.deepEqual([schema.name, schema.overload, schema.returns], ["aten::max", "dim_max", ["Tensor!", "Tensor"]]);
  const [self, dim, mode, s, max] = schema.arguments;
  assert.deepEqual(self, {
    name: "self",
    type: "Tensor",
    optional: false,
    fixedLength: false,
    keywordOnly: false,
    hasDefault: false,
  });
  assert.deepEqual([dim!.type, dim!.fixedLength, dim!.hasDefault], ["int[]", true, true]);
  assert.deepEqual(
    [mode!.name, mode!.keywordOnly, s!.optional, s!.type, max!.type],
    ["mode", true, true, "Scalar", "Tensor"],
  );
  assert.throws(() => parseSchema("nonsense"), /not an operator schema: nonsense/);
});
