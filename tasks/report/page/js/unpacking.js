// Blocks of the page that are packed: gzip in base64, unpacked once, when they are wanted.

const unpacked = new Map();

async function unpack(id) {
  const packed = atob(byId(id).textContent);
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** The JSON of a packed block; the same promise for everybody who asks. */
function packedJson(id) {
  if (!unpacked.has(id)) unpacked.set(id, unpack(id).then(JSON.parse));
  return unpacked.get(id);
}

const plainJson = (id) => JSON.parse(byId(id).textContent);
