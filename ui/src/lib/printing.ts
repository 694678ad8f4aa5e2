// Printing one thing of a page: a copy of it stands alone on the sheet for as long as it is printed.
let sheet: HTMLElement | null = null;

function done(): void {
  sheet?.remove();
  sheet = null;
}

/** Print `part` and nothing else; what is marked `no-print` inside stays away too. */
export function printAlone(part: HTMLElement): void {
  done();
  sheet = document.createElement("div");
  sheet.className = "print-sheet";
  sheet.append(part.cloneNode(true));
  document.body.append(sheet);
  addEventListener("afterprint", done, { once: true });
  print();
}
