// Before the first paint: says that there is script, so that the map does not flash up as a tree first.
document.documentElement.classList.add("js");
