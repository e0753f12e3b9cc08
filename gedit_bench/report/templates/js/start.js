startTheme();
startBoard();
startViews();
startCharts();
startViewer();
await startGallery();
