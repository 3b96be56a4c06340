const SEARCH = '.st-key-_search input';
const HITS = '[class*="st-key-search_hits_"]';
const WAIT_MS = 15000;
let digits = 0;
const PLAIN = `${HITS} a:not(:hover):not(:focus-visible) { background-color: transparent !important; }
${HITS} a * { font-weight: 400 !important; }`;

function readCookie(name) {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(name + '='));
  return found ? found.slice(name.length + 1) : '';
}

function keepOwner(data, setTriggerValue) {
  const kept = readCookie(data.cookie);
  if (!data.replace && /^[0-9a-f]{32}$/.test(kept) && kept !== data.secret) {
    if (window.focusLabReported !== kept) {
      window.focusLabReported = kept;
      setTriggerValue('owner', kept);
    }
    return;
  }
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `${data.cookie}=${data.secret}; Path=/; Max-Age=${data.keep}; SameSite=Strict${secure}`;
}

function toSearch() {
  const box = document.querySelector(SEARCH);
  if (!box) return false;
  box.focus();
  box.select();
  return true;
}

function toPage() {
  const page = document.querySelector('[data-testid="stMain"]');
  if (!page) return;
  page.setAttribute('tabindex', '-1');
  page.focus();
}

function hitsOf(query) {
  const hex = [...new TextEncoder().encode(query)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return document.querySelector(`.st-key-search_hits_${hex.length}_${hex.slice(-digits)}`);
}

function whenFound(box, act) {
  const query = box.value;
  const end = Date.now() + WAIT_MS;
  const look = () => {
    if (!query || box.value !== query || !box.isConnected) return;
    const first = hitsOf(query)?.querySelector('a');
    if (first) act(first);
    else if (Date.now() < end) setTimeout(look, 60);
  };
  look();
}

function inSearch(event, target) {
  if (target.matches(SEARCH) && !event.isComposing) {
    if (event.key === 'Enter') whenFound(target, (hit) => hit.click());
    if (event.key === 'ArrowDown') whenFound(target, (hit) => hit.focus());
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const hits = step && target.closest(HITS);
  if (!hits) return;
  const all = [...hits.querySelectorAll('a')];
  const place = all.indexOf(target.closest('a')) + step;
  if (place < 0) toSearch();
  else all[Math.min(place, all.length - 1)].focus();
  event.preventDefault();
}

function toTop({ page, view, job }) {
  const counts = { token: view, learn: view, data: job }[location.pathname.split('/').pop()];
  const shown = `${page} ${counts ?? ''}`;
  const before = window.focusLabShown;
  window.focusLabShown = shown;
  const main = document.querySelector('[data-testid="stMain"]');
  if (main && before !== undefined && before !== shown) main.scrollTop = 0;
}

function onKey(event) {
  inSearch(event, event.composedPath()[0]);
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.composedPath()[0];
  if (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)) return;
  if (toSearch()) event.preventDefault();
}

function skipLink(label, act) {
  const link = document.createElement('button');
  link.type = 'button';
  link.textContent = label;
  link.style.cssText = 'position:fixed;top:8px;left:-10000px;z-index:1000001;padding:8px 14px;border-radius:8px;'
    + 'font:600 15px sans-serif;color:#ffffff;background:#1f5fa8;border:2px solid #ffffff';
  link.onfocus = () => { link.style.left = '8px'; };
  link.onblur = () => { link.style.left = '-10000px'; };
  link.onclick = act;
  return link;
}

function addSkipLinks() {
  if (document.getElementById('focus-lab-skip')) return;
  const box = document.createElement('div');
  box.id = 'focus-lab-skip';
  const style = document.createElement('style');
  style.textContent = PLAIN;
  document.head.append(style);
  box.append(skipLink('Skip to the page', toPage), skipLink('Find a token', toSearch));
  document.body.prepend(box);
}

export default function ({ data, setTriggerValue }) {
  digits = data.digits;
  keepOwner(data, setTriggerValue);
  toTop(data);
  addSkipLinks();
  if (window.focusLabKeys) document.removeEventListener('keydown', window.focusLabKeys);
  window.focusLabKeys = onKey;
  document.addEventListener('keydown', onKey);
}
