#!/bin/sh
# Runs the packed benchmark (see gpu-pack.ts) on this machine's NVIDIA GPU:
#   gpu-run.sh OUT [options of npm run bench:webgpu]
# Leaves in the folder OUT: adapter.txt, machine.txt, ops.json (every op's cases checked), webgpu.json, webgpu.svg and
# logs. Without options: --quick. CHECK_SECONDS=0 leaves the ops out; default: 150 seconds of them.
# Another driver than NVIDIA's: VK_ICD_FILENAMES names its file.
set -u
out=${1:?usage: gpu-run.sh OUT [options]}
shift
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- --quick

libraries="$here/lib"
# NVIDIA's driver wants X11's libraries, though nothing is shown.
[ -n "$(find -L /lib /usr/lib /lib64 /usr/lib64 -maxdepth 2 -name 'libX11.so.6' 2>/dev/null | head -n 1)" ] ||
  libraries="$libraries:$here/lib/windowing"
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# The machine's own GPU, no software one.
export GANVIL_GPU=1

{
  cat "$here/VERSION"
  uname -a
  nvidia-smi 2>&1
} >"$out/machine.txt"

# Says which adapter there is, and succeeds where there is one.
probe() {
  (cd "$here" && ./node --input-type=module -e '
    const { create } = await import("webgpu");
    const adapter = await create([]).requestAdapter({ powerPreference: "high-performance" });
    const { vendor, architecture, description } = adapter?.info ?? {};
    console.log(adapter ? `${vendor} ${architecture} ${description}` : "no adapter");
    console.log([...(adapter?.features ?? [])].join(" "));
    process.exit(adapter ? 0 : 1);
  ') >"$out/adapter.txt" 2>"$out/adapter.log"
}

# A driver file for a library of NVIDIA's, by its name or path.
driver() {
  printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.3.0"}}\n' "$1" >"$out/nvidia_icd.json"
  export VK_ICD_FILENAMES="$out/nvidia_icd.json"
}

found=
if [ -n "${VK_ICD_FILENAMES:-}" ]; then
  probe && found=1
else
  for file in /usr/share/vulkan/icd.d/nvidia*.json /etc/vulkan/icd.d/nvidia*.json; do
    [ -f "$file" ] || continue
    export VK_ICD_FILENAMES="$file"
    probe && found=1 && break
  done
  # The second needs no X11.
  for name in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
    [ -z "$found" ] || break
    driver "$name"
    probe && found=1 && break
    path=$(find -L /usr/lib /usr/lib64 /lib64 /usr/local /opt -name "$name" 2>/dev/null | head -n 1)
    [ -n "$path" ] || continue
    driver "$path"
    probe && found=1
  done
fi
if [ -z "$found" ]; then
  echo "No GPU through Vulkan. In a container it takes NVIDIA_DRIVER_CAPABILITIES=all (graphics, not compute alone)." >&2
  (export VK_LOADER_DEBUG=all; probe) || true
  tail -n 40 "$out/adapter.log" >&2
  exit 3
fi
cat "$out/adapter.txt"
echo "driver: $VK_ICD_FILENAMES"

cd "$here" || exit 2
status=0
if [ "${CHECK_SECONDS:-150}" != 0 ]; then
  ./node check-ops.cjs "$out/ops.json" "${CHECK_SECONDS:-150}" >"$out/ops.log" 2>&1 || status=1
  tail -n 3 "$out/ops.log"
fi
./node bench.cjs --programs "$here" --json "$out/webgpu.json" "$@" >"$out/webgpu.txt" 2>"$out/webgpu.log" || status=1
cat "$out/webgpu.txt"
exit $status
