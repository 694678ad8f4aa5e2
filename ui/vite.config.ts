// Builds the console into the Python package: hashed files, each with a .gz and a .br beside it.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const LEAST_BYTES = 600;

function compressed(): Plugin {
  return {
    name: "compressed",
    enforce: "post",
    generateBundle(_options, bundle) {
      for (const [name, file] of Object.entries(bundle)) {
        if (name.endsWith(".html")) continue;
        const data = Buffer.from(file.type === "chunk" ? file.code : file.source);
        if (data.length < LEAST_BYTES) continue;
        const br = brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
        this.emitFile({ type: "asset", fileName: `${name}.gz`, source: gzipSync(data, { level: 9 }) });
        this.emitFile({ type: "asset", fileName: `${name}.br`, source: br });
      }
    },
  };
}

export default defineConfig({
  base: "/console/",
  plugins: [svelte(), compressed()],
  // `npx vite` while working on pages: the program answers, PRAXISD_URL says where.
  server: {
    proxy: Object.fromEntries(
      ["/api", "/docs", "/openapi.json", "/recovery", "/fhir", "/console/texts"].map((path) => [
        path,
        { target: process.env.PRAXISD_URL ?? "http://127.0.0.1:8080" },
      ]),
    ),
  },
  build: {
    outDir: "../src/praxisd/web/console",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
});
