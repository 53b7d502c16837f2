"use strict";
// Asks for the page again and takes over what has changed; the server has escaped every text in it.
const every = 2000;
const said = document.getElementById("lost");

const take = (fresh) => {
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (other === null || other.outerHTML === part.outerHTML) continue;
    if (part.contains(document.activeElement)) part.replaceChildren(...other.childNodes);
    else part.replaceWith(document.adoptNode(other));
  }
  document.title = fresh.title;
};

const ask = async () => {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    take(new DOMParser().parseFromString(await answer.text(), "text/html"));
    said.hidden = true;
  } catch {
    said.hidden = false;
  }
  setTimeout(ask, every);
};

setTimeout(ask, every);
