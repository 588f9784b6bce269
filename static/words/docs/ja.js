// The texts in Japanese of the page of the API.

export const words = {
  "docs.title": "このサーバーの API 一覧",
  "docs.skip": "操作の一覧へ",
  "docs.groups": "操作の分類",
  "docs.search": "操作を探す",
  "docs.none": "その名前の操作はありません。",
  "docs.loading": "API の説明を取得しています…",
  "docs.key": "キーが必要",
  "docs.command": "シェルのコマンド",
  "docs.parameters": "パラメーター",
  "docs.body": "本文",
  "docs.answers": "応答",
  "docs.headers": "ヘッダー：",
  "docs.name": "名前",
  "docs.type": "型",
  "docs.about": "説明",
  "docs.needed": "必須",
  "docs.default": "既定値：",
};
