import type { DataType } from "@tensorflow/tfjs-core";
import type { Region } from "./memory.ts";

/** A tensor as a shader sees it: float32 as f32, int32 and bool as i32, four bytes each. */
export interface GpuOperand {
  readonly region: Region;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** Number of elements. */
  readonly size: number;
}

type Size = readonly [number, number?, number?];

/**
 * A compute shader over buffers.
 *
 * Bindings are arrays by their names here, `read` ones read-only, in this order; of a buffer that is written no
 * other range may be bound in the same call. `ints`, `words` and `floats` arrive as `u.name`. The body is that of a
 * function with `group` (workgroup), `local`, `global` (vec3u) and `thread` (index in the workgroup). With
 * `elements` it runs once for each index `i` below that number, in workgroups of 64.
 */
export interface Shader {
  /** What it computes and all that `declarations` and `body` depend on: one text a name and dtypes. */
  readonly name: string;
  readonly read?: Readonly<Record<string, GpuOperand>>;
  readonly write: Readonly<Record<string, GpuOperand>>;
  /** Element types of bindings, where they are not the operand's: `{ x: "vec4f" }`. */
  readonly types?: Readonly<Record<string, string>>;
  /** i32. */
  readonly ints?: Readonly<Record<string, number>>;
  /** u32. */
  readonly words?: Readonly<Record<string, number>>;
  /** f32. */
  readonly floats?: Readonly<Record<string, number>>;
  readonly elements?: number;
  readonly workgroupSize?: Size;
  readonly workgroups?: Size;
  /** WGSL of the module: constants, functions, workgroup variables. */
  readonly declarations?: () => string;
  readonly body: () => string;
  /** WGSL extensions. */
  readonly enable?: readonly string[];
  /** Further built-in values, u32, that the body knows by these names. */
  readonly builtins?: Readonly<Record<string, string>>;
}

/** Threads of a workgroup of an elementwise shader. */
export const elementThreads = 64;

/** Most workgroups along an axis, on every device. */
const longestAxis = 65535;

/** So many workgroups, spread over two axes where one is too short: the shader's group.x + group.y·count.x. */
export function spread(groups: number): [number, number, number] {
  if (groups <= longestAxis) return [groups, 1, 1];
  const rows = Math.ceil(groups / longestAxis);
  return [Math.ceil(groups / rows), rows, 1];
}

const elementTypes: Partial<Record<DataType, string>> = { float32: "f32", int32: "i32", bool: "i32" };

function bindingsOf({ read = {}, write, types = {} }: Shader) {
  const list = (operands: Readonly<Record<string, GpuOperand>>, access: "read" | "read_write") =>
    Object.entries(operands).map(([name, operand]) => ({
      name,
      access,
      operand,
      type: types[name] ?? elementTypes[operand.dtype]!,
    }));
  return [...list(read, "read"), ...list(write, "read_write")];
}

/** A shader's bindings, uniforms, and what makes its text. */
export interface Prepared {
  readonly key: string;
  readonly operands: readonly GpuOperand[];
  /** Bindings in order: true where written. */
  readonly written: readonly boolean[];
  readonly uniforms: readonly {
    readonly name: string;
    readonly type: "i32" | "u32" | "f32";
    value: number;
  }[];
  readonly workgroups: readonly [number, number, number];
}

const uniformTypes = { ints: "i32", words: "u32", floats: "f32" } as const;

/** A shader's uniforms, in their order. */
export function uniformsOf(shader: Shader): Prepared["uniforms"] {
  const uniforms = (["ints", "words", "floats"] as const).flatMap((kind): Prepared["uniforms"] =>
    Object.entries(shader[kind] ?? {}).map(([name, value]) => ({ name, type: uniformTypes[kind], value })),
  );
  const { elements } = shader;
  return elements === undefined ? uniforms : [...uniforms, { name: "n", type: "u32", value: elements }];
}

/** The workgroups that run; one 0 among them: none does. */
export function workgroupsOf({ elements, workgroups = [1] }: Shader): readonly [number, number, number] {
  const [x, y = 1, z = 1] =
    elements === undefined ? workgroups : spread(Math.ceil(elements / elementThreads));
  return [x, y, z];
}

export function prepare(shader: Shader): Prepared {
  const bindings = bindingsOf(shader);
  const uniforms = uniformsOf(shader);
  return {
    key: `${shader.name}(${bindings.map(({ name, type }) => `${name}:${type}`).join()}|${uniforms.map(({ name }) => name).join()}|${shader.workgroupSize ?? ""})`,
    operands: bindings.map(({ operand }) => operand),
    written: bindings.map(({ access }) => access === "read_write"),
    uniforms,
    workgroups: workgroupsOf(shader),
  };
}

/** The shader's whole text. */
export function sourceOf(shader: Shader, { uniforms }: Prepared): string {
  const { elements, declarations, body, enable = [], builtins = {} } = shader;
  const bindings = bindingsOf(shader);
  const size = elements === undefined ? (shader.workgroupSize ?? [1]) : [elementThreads];
  const guard =
    elements === undefined
      ? ""
      : `let i = (group.x + group.y * groups.x) * ${elementThreads}u + thread;\n  if (i >= u.n) { return; }`;
  return `${enable.map((extension) => `enable ${extension};\n`).join("")}
${bindings.map(({ name, access, type }, i) => `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${type}>;`).join("\n")}
${
  uniforms.length === 0
    ? ""
    : `struct Uniforms { ${uniforms.map(({ name, type }) => `${name}: ${type}`).join(", ")} }
@group(0) @binding(${bindings.length}) var<uniform> u: Uniforms;`
}
${declarations?.() ?? ""}
@compute @workgroup_size(${size.join()})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
    @builtin(global_invocation_id) global: vec3u, @builtin(local_invocation_index) thread: u32,
    @builtin(num_workgroups) groups: vec3u${Object.entries(builtins)
      .map(([name, value]) => `, @builtin(${value}) ${name}: u32`)
      .join("")}) {
  ${guard}
  ${body()}
}
`;
}
