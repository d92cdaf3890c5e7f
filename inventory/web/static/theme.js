// Sets the chosen theme before anything is painted; without a choice the system's holds.
{
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
}
