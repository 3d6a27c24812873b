/* Completion of the last word of a query. Without it the list completes the first word. */
(() => {
  'use strict';
  document.querySelectorAll('input[list=terms]').forEach((input) => {
    const list = document.getElementById('terms');
    const known = [...list.options].map((option) => ({ value: option.dataset.term, label: option.label }));
    const fit = () => {
      const before = input.value.slice(0, input.value.lastIndexOf(' ') + 1);
      const minus = input.value[before.length] === '-' ? '-' : '';
      list.replaceChildren(...known.map((term) => {
        const option = document.createElement('option');
        option.value = before + minus + term.value;
        option.label = term.label;
        return option;
      }));
    };
    input.addEventListener('input', fit);
    input.addEventListener('focus', fit);
  });
})();
