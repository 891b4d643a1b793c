// Bundles scripts and styles, copies fonts, takes the icons that templates and view-models name; writes dist/ and its
// manifest. What all pages share is in src/; every feature adds its own from its folder: script.js and style.css to the
// bundles of all pages, <name>.page.js as a bundle that its page asks for itself.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";

const dist = "dist";
await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });

const features = "../features";
const ofFeatures = (await readdir(features, { recursive: true })).sort();
const all = (shared, own) => [
  shared,
  ...ofFeatures.filter((path) => basename(path) === own).map((path) => `${features}/${path}`),
];

// An entry that is written nowhere: the shared file and those of the features, one after the other.
const gathered = {
  name: "gathered",
  setup(bundler) {
    bundler.onResolve({ filter: /^console\.(js|css)$/ }, ({ path }) => ({ path, namespace: "gathered" }));
    bundler.onLoad({ filter: /.*/, namespace: "gathered" }, ({ path }) => {
      const css = path.endsWith(".css");
      const parts = css ? all("./src/console.css", "style.css") : all("./src/console.js", "script.js");
      const contents = parts.map((part) => (css ? `@import "${part}";` : `import "${part}";`)).join("\n");
      return { contents, loader: css ? "css" : "js", resolveDir: process.cwd() };
    });
  },
};

const result = await build({
  entryPoints: [
    "src/boot.js",
    "console.js",
    "console.css",
    ...ofFeatures.filter((path) => path.endsWith(".page.js")).map((path) => `${features}/${path}`),
  ],
  plugins: [gathered],
  nodePaths: ["node_modules"],
  outdir: dist,
  bundle: true,
  minify: true,
  target: ["es2022"],
  format: "iife",
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file" },
  metafile: true,
  legalComments: "none",
});

const files = {};
for (const [path, output] of Object.entries(result.metafile.outputs)) {
  if (output.entryPoint) files[basename(output.entryPoint.replace(/^gathered:/, ""))] = basename(path);
}

// The icons in use: every name that a template or a module of the console puts in quotes and that is an icon.
const named = new Set();
async function collect(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await collect(path);
    else if (/\.(html|py)$/.test(entry.name)) {
      for (const [, name] of (await readFile(path, "utf8")).matchAll(/"([a-z0-9]+(?:-[a-z0-9]+)*)"/g)) named.add(name);
    }
  }
}
await collect("../console");
await collect(features);
const icons = {};
for (const name of [...named].sort()) {
  const svg = await readFile(join("node_modules/@tabler/icons/icons/outline", `${name}.svg`), "utf8").catch(() => "");
  if (svg)
    icons[name] = svg
      .replace(/^[\s\S]*?<svg[\s\S]*?>/, "")
      .replace(/<\/svg>\s*$/, "")
      .replace(/\s*\n\s*/g, "");
}

const favicon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3d44ae"/><g transform="translate(4 4)" fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">${icons.activity}</g></svg>`;
files["favicon.svg"] = `favicon-${createHash("sha256").update(favicon).digest("hex").slice(0, 8)}.svg`;
await writeFile(join(dist, files["favicon.svg"]), favicon);
await writeFile(join(dist, "manifest.json"), JSON.stringify({ files, icons }, null, 1));
console.log(`built ${Object.keys(files).length} files, ${Object.keys(icons).length} icons`);
