import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/**
 * The static edition answers for itself: without a server there are no headers, so the policy that
 * keeps it from talking to any other host stands in the page.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function policyInPage(): Plugin {
  return {
    name: "policy-in-page",
    transformIndexHtml: () => [
      {
        tag: "meta",
        attrs: { "http-equiv": "Content-Security-Policy", content: POLICY },
        injectTo: "head-prepend",
      },
    ],
  };
}

/** Two editions of one page: `server` asks `fivefold serve`, `static` runs the network itself. */
export default defineConfig(({ mode }) => {
  const edition = mode === "static" ? "static" : "server";
  const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  return {
    base: "./",
    plugins: edition === "static" ? [policyInPage()] : [],
    resolve: { alias: { "#service": source(`./src/service/${edition}.ts`) } },
    worker: { format: "es" },
    build: {
      target: "es2022",
      outDir: edition === "static" ? "dist" : "../src/fivefold/web/static",
      emptyOutDir: true,
      modulePreload: false,
      license: edition === "static" ? { fileName: "LICENSES.md" } : false,
      assetsInlineLimit: 0,
      rolldownOptions: {
        output: {
          // Plain names: the server revalidates by content, and the files that are committed do
          // not change their names with every build.
          entryFileNames: "assets/[name].js",
          chunkFileNames: "assets/[name].js",
          assetFileNames: "assets/[name][extname]",
        },
      },
    },
  };
});
