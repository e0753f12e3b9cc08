startTheme();
startViews();
startCharts();
startViewer();
await startGallery();
