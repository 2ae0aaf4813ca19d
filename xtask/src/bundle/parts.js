
// The parts that the first page needs come in one file, a WebAssembly module that only carries them; the others come one by one.
const pack = document.querySelector('link[rel="preload"][href*="/pack_"]');
const packed = pack ? WebAssembly.compileStreaming(fetch(pack.href)).catch(() => undefined) : undefined;
async function part(name) {
    const module = await packed;
    const [bytes] = module ? WebAssembly.Module.customSections(module, name) : [];
    return bytes
        ? new Response(bytes, { headers: { "content-type": "application/wasm" } })
        : fetch(new URL(`./${name}.wasm`, import.meta.url));
}
