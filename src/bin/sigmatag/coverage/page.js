const search = document.querySelector('#search');
const rows = [...document.querySelectorAll('tbody tr')];
const shown = document.querySelector('#shown');
search.closest('label').hidden = false;
search.addEventListener('input', () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    count += row.hidden ? 0 : 1;
  }
  shown.textContent = words.length ? `${count} of ${rows.length} shown` : '';
});
