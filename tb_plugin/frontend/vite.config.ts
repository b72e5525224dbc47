import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/**
 * The page travels inside the wheel and is loaded anew with each TensorBoard: it stays small, or the build fails.
 * Charts and libraries take some 60 kB; findings, the what-if panel and the marks of the charts 15; range tests, the
 * samples of updates, the provenance of the numbers, pictures as SVG and sizes to drag the rest.
 */
const BUDGET_KB = 105;

function byteBudget(kilobytes: number): Plugin {
  return {
    name: "byte-budget",
    writeBundle(_options, bundle) {
      let total = 0;
      for (const file of Object.values(bundle)) {
        total += gzipSync(file.type === "chunk" ? file.code : file.source).length;
      }
      const size = (total / 1000).toFixed(1);
      if (total > kilobytes * 1000) {
        throw new Error(
          `The bundle has ${size} kB compressed, more than the ${kilobytes} kB that it may have.`,
        );
      }
      console.log(`bundle: ${size} of ${kilobytes} kB compressed`);
    },
  };
}

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    // Not Vite's library mode, which leaves the white space in.
    rolldownOptions: {
      input: "src/index.tsx",
      preserveEntrySignatures: "strict",
      output: { format: "es", entryFileNames: "index.js" },
    },
    outDir: "../lrmon_tb/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    minify: true,
    reportCompressedSize: false,
    // The licenses of what is built in ask to travel with it.
    license: { fileName: "licenses.md" },
  },
  plugins: [byteBudget(BUDGET_KB)],
});
