// Builds the console into the Python package: hashed files, each with a .gz and a .br beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const LEAST_BYTES = 600;

/** Packs what was written: only then every plug-in has had its say. */
function compressed(): Plugin {
  return {
    name: "compressed",
    writeBundle(options, bundle) {
      for (const name of Object.keys(bundle)) {
        const file = join(options.dir ?? "", name);
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const data = readFileSync(file);
        if (data.length < LEAST_BYTES) continue;
        writeFileSync(`${file}.gz`, gzipSync(data, { level: 9 }));
        writeFileSync(`${file}.br`, brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
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
