(() => {
  "use strict";
  // What a camera makes is too large to keep: it is made smaller here. Without this script it is refused in words.
  const input = document.querySelector("#field-picture");
  const most = 512;
  if (!input || !window.createImageBitmap || !window.DataTransfer) return;
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    try {
      const found = await createImageBitmap(file);
      const scale = Math.min(1, most / Math.max(found.width, found.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(found.width * scale));
      canvas.height = Math.max(1, Math.round(found.height * scale));
      canvas.getContext("2d").drawImage(found, 0, 0, canvas.width, canvas.height);
      const type = file.type === "image/png" ? "image/png" : "image/jpeg";
      const made = await new Promise((done) => canvas.toBlob(done, type, 0.9));
      // Chosen again meanwhile: that one has the last word.
      if (!made || input.files[0] !== file || made.size >= file.size) return;
      const chosen = new DataTransfer();
      chosen.items.add(new File([made], "picture", { type }));
      input.files = chosen.files;
    } catch {
      // No picture that this browser knows: the server says what is wrong with it.
    }
  });
})();
