// Bundles scripts and styles, makes fonts small, compresses all that, takes the icons that templates and view-models name; writes dist/ and its
// manifest. What all pages share is in src/; every feature adds its own from its folder: script.js and style.css to the
// bundles of all pages, <name>.page.js as a bundle that its page asks for itself.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "esbuild";
import subsetFont from "subset-font";

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

// Of a font with `?subset` what its face in fonts.css is for: the characters of its range, the weights that it has.
const faces = new Map();
for (const [face] of (await readFile("src/fonts.css", "utf8")).matchAll(/@font-face \{[^}]*\?subset[^}]*\}/g)) {
  const [, file] = face.match(/url\("([^?"]+)\?subset"\)/);
  const [, least, most] = face.match(/font-weight: (\d+)(?: (\d+))?;/);
  let text = "";
  for (const [, from, to] of face.matchAll(/U\+([0-9A-F]+)(?:-([0-9A-F]+))?/g)) {
    for (let point = parseInt(from, 16); point <= parseInt(to ?? from, 16); point++)
      text += String.fromCodePoint(point);
  }
  faces.set(basename(file), { text, weights: most && { wght: { min: Number(least), max: Number(most) } } });
}
const subsets = {
  name: "subsets",
  setup(bundler) {
    bundler.onResolve({ filter: /\.woff2\?subset$/ }, async ({ path, resolveDir, kind }) => {
      const found = await bundler.resolve(path.replace("?subset", ""), { resolveDir, kind });
      return { path: found.path.replace(/\.woff2$/, "-subset.woff2"), namespace: "subset" };
    });
    bundler.onLoad({ filter: /.*/, namespace: "subset" }, async ({ path }) => {
      const file = path.replace(/-subset\.woff2$/, ".woff2");
      const { text, weights } = faces.get(basename(file));
      const options = { targetFormat: "woff2", ...(weights && { variationAxes: weights }) };
      return {
        contents: await subsetFont(await readFile(file), text, options),
        loader: "file",
        resolveDir: dirname(file),
      };
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
  plugins: [gathered, subsets],
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

// Beside each text what goes over the wire: nobody compresses it anew for each reader, and so well nobody could.
for (const name of await readdir(dist)) {
  if (!/\.(js|css|svg)$/.test(name)) continue;
  const content = await readFile(join(dist, name));
  const hints = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  await writeFile(join(dist, `${name}.br`), await promisify(brotliCompress)(content, { params: hints }));
  await writeFile(join(dist, `${name}.gz`), await promisify(gzip)(content, { level: 9 }));
}
await writeFile(join(dist, "manifest.json"), JSON.stringify({ files, icons }, null, 1));
console.log(`built ${Object.keys(files).length} files, ${Object.keys(icons).length} icons`);
