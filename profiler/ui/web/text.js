'use strict';
/* What is text: peek, source, disasm. */

class Text {
  constructor(...parts) {
    $('main').replaceChildren(...parts);
  }

  search(re) {
    return re ? 'Enter shows the functions that match' : '';
  }

  redraw() {}
}

/* The server's page of sources without anything that could act: text in the elements it is known to use. */
function sanitized(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || !/^(H2|P|PRE|SPAN|DIV|BR)$/.test(node.tagName)) return null;
  return el(node.tagName, {class: node.getAttribute('class')}, ...Array.from(node.childNodes, sanitized));
}

function listing(html) {
  /* Its style and handlers, which no text of a profile can look like, are refused by the policy, and told. */
  const body = html.slice(html.indexOf('<body>')).replaceAll(' onClick="pprof_toggle_asm(event)"', '');
  const page = new DOMParser().parseFromString(body, 'text/html');
  const all = el('div', {class: 'listing'}, ...Array.from(page.body.childNodes, sanitized));
  const toggle = (line) => {
    const asm = line.nextElementSibling;
    asm.hidden = !asm.hidden;
    line.setAttribute('aria-expanded', String(!asm.hidden));
  };
  for (const legend of all.querySelectorAll('.legend')) legend.remove();
  for (const line of all.querySelectorAll('.livesrc')) {
    if (!line.nextElementSibling || !line.nextElementSibling.classList.contains('asm')) continue;
    line.nextElementSibling.hidden = true;
    for (const [name, value] of [['role', 'button'], ['tabindex', '0'], ['aria-expanded', 'false']]) line.setAttribute(name, value);
    line.addEventListener('click', () => toggle(line));
    line.addEventListener('keydown', (e) => {
      if (e.key !== 'Enter' && e.key !== ' ') return;
      toggle(line);
      e.preventDefault();
    });
  }
  return all;
}

const plain = (text) => new Text(el('pre', {tabindex: '0', 'aria-label': 'Report'}, text));
