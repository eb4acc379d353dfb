// Before the first paint: the theme that was chosen, else the system's.
const chosen = localStorage.getItem('runwatch.theme')
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
