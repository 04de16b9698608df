// Blocks that are packed: gzip in base64, unpacked when they are wanted. They stand in the page, or
// in files beside it, which are loaded as programs: a page that was opened from a disk has no other
// way. Such a file gives names and base64 to investorbench.put, and nothing else.

const KEPT = 24;
const SPARE = 8;
const unpacked = new Map();
const arrived = new Map();
const loading = new Map();
window.investorbench = { put: (id, text) => arrived.set(id, text) };

/** The file of a block; both parts of an episode lie in one. */
const fileOf = (id) => `parts/${id.replace(/^(facts|texts)-/, "episode-")}.js`;

/** The texts of the blocks of a file beside the page, by their ids. */
function blocksIn(file) {
  if (!loading.has(file)) {
    loading.set(file, new Promise((done, failed) => {
      const script = document.createElement("script");
      const settle = (act) => () => { script.remove(); loading.delete(file); act(); };
      script.addEventListener("load", settle(() => {
        done(new Map([...arrived].filter(([id]) => fileOf(id) === file)));
        // Those that were not asked for wait a while: who looks at a decision wants both parts.
        while (arrived.size > SPARE) arrived.delete(arrived.keys().next().value);
      }));
      script.addEventListener("error", settle(() =>
        failed(new Error(`${file} cannot be read: this report is the whole folder, not its page alone`))));
      script.src = file;
      document.head.append(script);
    }));
  }
  return loading.get(file);
}

/** The text of a block, from the page or from a file beside it. */
async function packedText(id) {
  const held = byId(id);
  if (held) return held.textContent;
  const text = arrived.get(id) ?? (await blocksIn(fileOf(id))).get(id);
  arrived.delete(id);
  if (text === undefined) throw new Error(`${fileOf(id)} is damaged`);
  return text;
}

async function unpack(id) {
  const packed = atob(await packedText(id));
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** The JSON of a packed block; the same promise for everybody who asks. */
function packedJson(id) {
  const found = unpacked.get(id) ?? unpack(id).then(JSON.parse);
  found.catch(() => unpacked.delete(id));
  unpacked.delete(id);
  unpacked.set(id, found);
  if (!byId(id) && unpacked.size > KEPT) unpacked.delete(unpacked.keys().next().value);
  return found;
}

const plainJson = (id) => JSON.parse(byId(id).textContent);
