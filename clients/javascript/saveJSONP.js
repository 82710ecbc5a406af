/**
 * For cells that call `saveJSONP(urlString, file_path, mime_type, binary)`: import this once before
 * them. The data comes through the gateway that serves this file, as bytes, and is saved as it came.
 */
import { saveJSON } from "./unpad.js";

/** A call that nobody waits for still has to say what went wrong. */
export function saveJSONP(urlString, file_path, mime_type = "text/json", binary = false) {
  const saved = saveJSON(urlString, file_path, mime_type, binary);
  saved.then(
    ({ path, bytes }) => console.log(`${path}: ${bytes} bytes saved`),
    (error) => console.error(error.message),
  );
  return saved;
}

globalThis.saveJSONP = saveJSONP;
// In some kernels `window` is another object than the global one.
if (typeof window === "object") window.saveJSONP = saveJSONP;
