async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (refused) {
    return false;
  }
}

function lastingPart(search, moved) {
  const kept = [...new URLSearchParams(search)].filter(([name]) => !moved.includes(name));
  return JSON.stringify(kept.sort(([a], [b]) => (a < b ? -1 : Number(a > b))));
}

function sparesHistory(moved) {
  if (window.focusLabMoved) return;
  window.focusLabMoved = true;
  const push = history.pushState.bind(history);
  let acted = false;
  for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => { acted = true; }, true);
  addEventListener('popstate', () => { acted = false; }, true);
  history.pushState = (state, title, url) => {
    const next = new URL(url ?? location.href, location.href);
    const same = next.pathname === location.pathname
      && lastingPart(next.search, moved) === lastingPart(location.search, moved);
    if (same || !acted) history.replaceState(state, title, url);
    else push(state, title, url);
    if (!same) acted = false;
  };
}

export default function ({ data, parentElement }) {
  sparesHistory(data.moved);
  const button = parentElement.querySelector('.copy');
  const words = parentElement.querySelector('.words');
  const address = parentElement.querySelector('.address');
  words.textContent = data.label;
  button.title = data.help;
  button.classList.toggle('wide', data.wide);
  button.onclick = async () => {
    const url = data.query === null ? location.href : location.origin + location.pathname + data.query;
    const done = await copy(url);
    words.textContent = done ? 'Link copied' : 'Copy it from here';
    address.hidden = done;
    address.value = url;
    if (!done) address.select();
    setTimeout(() => { words.textContent = data.label; }, 2500);
  };
}
