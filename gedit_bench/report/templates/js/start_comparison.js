startTheme();
startViewer();
addEventListener("hashchange", followAddress);
await startGallery();
